from django.apps import AppConfig


class WebformsConfig(AppConfig):
    name = "zhike.webforms"
