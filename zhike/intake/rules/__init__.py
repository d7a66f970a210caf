"""Pure decisions of the intake: what a mapping means, what a row says, which sale a return belongs to."""
