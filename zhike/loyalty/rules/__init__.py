"""Pure decisions of the loyalty context: how much a receipt earns, which lots move, when a tier changes."""
