@incident_6
Feature: The payment gateway is away
  The company that charges the cards cannot be reached. Nobody can pay, and that is all that may happen:
  no money moves, nothing is shipped, and whoever looks can tell what has failed.

  Background: the incident, played through once
    Given the shop is selling
    And Ada checks out the Figueroa socks
    And the payment gateway goes away
    And Ben checks out the Colourful socks
    And the payment gateway comes back

  @R000_02
  Scenario: Everything is up before the incident
    Then the payment gateway was up before the incident
    And the payment service was up before the incident
    And the orders service was up before the incident

  @R000_01
  Scenario: Customers can pay before the incident
    Then Ada's order is paid and on its way

  @R000_08
  Scenario: Customers are charged what their order says
    Then Ada was charged to the cent

  @R000_03
  Scenario: The gateway is really away
    Then nothing of the payment gateway was left

  @R000_04
  Scenario: Page, service and books agree on the amount
    Then Ben's order came to $22.99 everywhere

  @R000_05
  Scenario: The customer is told what failed
    Then Ben is told that the payment failed because the connection was refused

  @R000_06
  Scenario: The customer is not led to believe that the order was placed
    Then Ben is still looking at the basket

  @R000_07
  Scenario: The payment service writes down every attempt
    Then the payment service wrote down every attempt: asked, called, refused

  @R000_09
  Scenario: The books keep the failed order as what it is
    Then Ben's order is kept as PAYMENT_FAILED without a shipment

  @R000_10
  Scenario: The orders service tells the same
    Then the orders service tells Ben's order as PAYMENT_FAILED without a shipment

  @R000_11
  Scenario: Nothing is shipped for an order that failed
    Then nothing was shipped to Ben

  @R000_45
  Scenario: Nobody gets past paying
    Then nothing was paid, charged or shipped while the gateway was away

  @R000_26
  Scenario: Every order of the outage fails
    Then every order tried during the outage failed

  @R000_22
  Scenario: The payment service itself stays healthy
    Then the payment service stayed healthy throughout

  @R000_23
  Scenario: A payment that cannot be made fails fast
    Then every refused payment was noticed at once

  @R000_24
  Scenario: An operator can tell whose outage it is
    Then the signs pointed to a third-party gateway outage

  @R000_32
  Scenario: The outage stays where it is
    Then no service but the payment gateway was touched
