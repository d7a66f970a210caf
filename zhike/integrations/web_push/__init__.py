"""Notifications to browsers: Web Push with VAPID."""
