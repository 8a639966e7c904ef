@incident_6
Feature: The shop recovers when the payment gateway is back
  Once the gateway answers again customers can pay at once, and nobody finds out later that an order of the outage
  was charged after all, or counted as paid.

  Background: the incident, played through once
    Given the shop is selling
    And the payment gateway goes away
    And Ben checks out the Colourful socks
    And the payment gateway comes back
    And Cleo checks out the Colourful socks

  @R000_28
  Scenario: The gateway is back soon
    Then the payment gateway was back in time

  @R000_29
  Scenario: Customers can pay again
    Then Cleo's order is paid and on its way

  @R000_30
  Scenario: An order is paid exactly if it was charged
    Then no order is paid without a charge, and none charged without being paid

  @R000_31
  Scenario: No order fails after the recovery
    Then no order failed after the recovery

  @R000_36
  Scenario: Every paid order is charged once
    Then every paid order was charged once, and nothing else was
