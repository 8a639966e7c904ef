@incident_6 @bug_2
Feature: The shop tells the true state of an order
  A customer looks at their orders to learn whether the socks are coming. An order that failed must not be called
  shipped, and no other order may be called what it is not.

  Background: the incident, played through once
    Given the shop is selling
    And the payment gateway goes away
    And Ben checks out the Colourful socks
    And Ben looks at the orders
    And the payment gateway comes back
    And the books hold an order of Iris's in every state
    And Iris looks at the orders
    And the books are put right again

  @R000_16
  Scenario: The list of orders does not call a failed order shipped
    Then Ben's list does not call a failed order shipped

  @R000_17
  Scenario: The page of an order does not call a failed order shipped
    Then Ben's order page does not call a failed order shipped

  @R000_18a
  Scenario: The list tells every state as it is
    Then Iris's list tells the true state of every order

  @R000_18b
  Scenario: The page of an order tells every state as it is
    Then Iris's order pages tell the true state of every order

  @R000_44
  Scenario: As reported: the page of the first failed order said shipped
    Then the page of Ben's first failed order says shipped
