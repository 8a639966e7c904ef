"""A MongoDB for the shop: mongod where there is one, else FerretDB built once."""
