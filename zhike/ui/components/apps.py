from django.apps import AppConfig


class ComponentsConfig(AppConfig):
    name = "zhike.ui.components"
