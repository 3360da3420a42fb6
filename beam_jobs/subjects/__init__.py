"""The people in the data: their rows found, erased, restricted, rectified and handed out."""
