"""The payment gateway with one-time passwords of the second incident, on a cluster of its own or beside the shop."""
