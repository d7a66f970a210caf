"""The part of the API that django-ninja serves: everything but receipts and redemptions."""
