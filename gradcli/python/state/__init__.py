"""What a reading stands on: the text and its places, values, the tape, and operators on both."""
