@otp
Feature: Codes stay private outside the demo mode
  A one-time password proves that the customer holds the telephone that it was sent to. Outside the demo mode it is
  shown to nobody else, and customers pay all the same.

  Background: the incident, played through once
    Given customers get their codes
    And the demo mode is switched off
    And Ada's app pays by card
    And Ada's app enters the code
    And the demo mode is back

  @R002_23
  Scenario: A code is not told to whoever asks for it
    Then Ada's app was told no code

  @R002_04
  Scenario: Customers pay all the same
    Then Ada has paid
