"""What all detectors share: the encoder, packs, calibration, sentences and words, the plan of a batch."""
