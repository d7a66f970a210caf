"""Tags (标签): what a rule may ask of the log, and how it is answered event by event. Pure."""
