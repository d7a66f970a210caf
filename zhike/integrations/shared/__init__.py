"""What the folders of several vendors have in common. It knows none of them."""
