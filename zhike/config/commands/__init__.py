"""Commands that put the program together: servers, database, demo. Commands of the business are in `ui.cli`."""
