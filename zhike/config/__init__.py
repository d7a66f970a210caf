"""The only place that knows every app: settings, addresses, web and worker entry points, the command line."""
