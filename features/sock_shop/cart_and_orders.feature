@incident_6 @bug_3
Feature: Basket and orders agree
  What has been paid is no longer in the basket; what could not be paid is still there, so that the customer can
  try again. Neither may depend on the customer's browser staying open.

  Background: the incident, played through once
    Given the shop is selling
    And Ada checks out the Figueroa socks
    And Hal's app orders the Figueroa socks
    And the payment gateway goes away
    And Ben checks out the Colourful socks
    And Cleo checks out the Colourful socks
    And the payment gateway comes back
    And Ben reloads the basket and checks out again
    And Ben looks at the orders

  @R000_19
  Scenario: A paid basket is empty
    Then Ada's basket is empty

  @R000_20
  Scenario: A basket paid from an app is empty too
    Then Hal's basket is empty

  @R000_21
  Scenario: A basket that could not be paid is kept
    Then Cleo's basket still holds what was in it

  @R000_43
  Scenario: A basket paid in the end is one order
    Then Ben's basket is empty
    And Ben's list shows one order
