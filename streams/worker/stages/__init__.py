"""What happens to a batch, a file a stage. `stage.py` has the contract and the order."""
