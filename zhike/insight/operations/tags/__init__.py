"""Tags: defined, given by hand, kept up with the log."""
