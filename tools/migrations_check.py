"""Fails when models and migrations differ. Needs no database: `python -m tools.migrations_check`."""

import os


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "zhike.config.settings")
    from django.conf import settings

    # With a real engine Django would first ask the server which migrations it knows, and wait if there is none.
    settings.DATABASES = {"default": {"ENGINE": "django.db.backends.dummy"}}

    import django
    from django.core.management import call_command

    django.setup()
    call_command("makemigrations", check_changes=True, dry_run=True, verbosity=1)


if __name__ == "__main__":
    main()
