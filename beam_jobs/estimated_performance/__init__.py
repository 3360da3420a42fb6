"""How good predictions probably are before their labels come, from rows whose labels have come."""
