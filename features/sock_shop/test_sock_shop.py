"""What a Sock Shop does when nobody can pay: the incidents of its reports."""

from pytest_bdd import scenarios

scenarios(".")
