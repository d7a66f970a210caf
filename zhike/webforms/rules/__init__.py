"""What a form is, what an answer says, and how they are checked. Pure."""
