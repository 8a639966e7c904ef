"""What a payment gateway with one-time passwords does when its payments are logged for the auditors."""

from pytest_bdd import scenarios

scenarios(".")
