@incident_6 @bug_1
Feature: One basket makes one order
  A customer whose payment fails tries again: with a reload, a double click, an impatient second click, or an
  app that repeats itself. However they try, they want these socks once.

  Background: the incident, played through once
    Given the shop is selling
    And the payment gateway goes away
    And Ben checks out the Colourful socks
    And Ben reloads the basket and checks out again
    And Cleo checks out the Colourful socks
    And Cleo clicks again without reloading
    And Dora double-clicks to check out the Colourful socks
    And Emil's app orders the Colourful socks 3 times at once
    And Fay's app orders the Colourful socks 6 times in a row
    And Gus checks out the Colourful socks
    And Gus empties the basket
    And Gus checks out the Figueroa socks
    And the payment gateway comes back

  @R000_12
  Scenario: Trying again after a reload goes on with the same order
    Then Ben has at most one open order

  @R000_13
  Scenario: Orders sent at the same moment are one order
    Then Emil has 1 order in all

  @R000_14
  Scenario: A double click is one order
    Then Dora's checkout sent one order
    And Dora has 1 order in all

  @R000_15
  Scenario: The button shows that the shop is busy
    Then the checkout button was busy while Gus waited

  @R000_41
  Scenario: A second click under the error changes nothing
    Then Cleo's last click made no order
    And Cleo is still looking at the basket

  @R000_46b
  Scenario: Trying again and again makes no further order
    Then Fay has at most one open order

  @R000_42
  Scenario: Two different baskets are two orders
    Then Gus has 2 orders in all

  @R000_46c
  Scenario: No socks are set aside for orders that failed
    Then the stock of the Colourful socks is as before

  @R000_12a
  Scenario: As reported: the second try made a second order
    Then Ben has 2 orders in all

  @R000_40
  Scenario: As reported: the second click led to the orders
    Then Cleo is led to the list of orders

  @R000_46a
  Scenario: As reported: every further try made a further order
    Then Fay has 6 orders in all
