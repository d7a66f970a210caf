"""Addresses of the preferences and, while developing, the gallery."""

from django.urls import path
from django.views.i18n import set_language

from zhike.ui.components import views

app_name = "components"
urlpatterns = [
    path("preferences/language/", set_language, name="set_language"),
    path("preferences/theme/", views.set_theme, name="set_theme"),
    path("console/_components/", views.gallery, {"frame": "console"}, name="gallery"),
    path("counter/_components/", views.gallery, {"frame": "counter"}, name="gallery_counter"),
    path("m/_components/", views.gallery, {"frame": "member"}, name="gallery_member"),
    path("console/_components/login/", views.gallery, {"frame": "auth"}, name="gallery_auth"),
]
