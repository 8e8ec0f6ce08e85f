"""Reading what is stored: one checked SELECT over the views."""
