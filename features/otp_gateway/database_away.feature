@otp
Feature: The payment database is away
  Without its database the gateway can take no payment. It must say so, to the customer and to whoever asks whether it
  is well, and be there again when the database is.

  Background: the incident, played through once
    Given customers get their codes
    And the payment database goes away
    And Ada pays by card
    And the payment database comes back
    And Ben pays by card
    And Ben enters the code

  @R002_51
  Scenario: The database is really away
    Then nothing of the payment database was left

  @R002_52
  Scenario: The health check tells that the database is away
    Then the payments service said that its database was away

  @R002_53
  Scenario: The customer is told that the payment failed
    Then Ada is told that it failed and can try again

  @R002_54
  Scenario: Customers pay as soon as the database is back
    Then Ben has paid
