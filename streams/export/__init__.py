"""Takes events out of the store, as files for training and analysis that say what is in them."""
