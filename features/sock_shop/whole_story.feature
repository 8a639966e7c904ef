@incident_6 @story
Feature: INCIDENT-6, as one customer lived through it
  The report of 7 November 2025 in its own order: an order that is paid, a gateway that goes away, two tries at the
  same basket, a look at the orders, and the basket paid once the gateway is back.

  @R000_01 @R000_03 @R000_05 @R000_09 @R000_12a @R000_21 @R000_29 @R000_40 @R000_44 @R000_48
  Scenario: The whole story
    Given Ada opens an account
    And the shop is selling
    When Ada checks out the Figueroa socks
    Then Ada's order is paid and on its way
      | R000_01 |
    And Ada's payment is in the log and in the ledger
      | R000_48 |
    When the payment gateway goes away
    Then nothing of the payment gateway was left
      | R000_03 |
    When Ada checks out the Colourful socks
    Then Ada is told that the payment failed because the connection was refused
      | R000_05 |
    And Ada's basket still holds what was in it
      | R000_21 |
    And Ada's order is kept as PAYMENT_FAILED without a shipment
      | R000_09 |
    When Ada clicks again without reloading
    Then Ada is led to the list of orders
      | R000_40 |
    When Ada reloads the basket and checks out again
    Then Ada has 3 orders in all
      | R000_12a |
    When Ada looks at the orders
    Then the page of Ada's first failed order says shipped
      | R000_44 |
    When the payment gateway comes back
    And Ada reloads the basket and checks out again
    Then Ada's order is paid and on its way
      | R000_29 |
