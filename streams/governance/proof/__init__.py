"""Proof that nothing was lost: what producers numbered is there and was checked, or it is said why not."""
