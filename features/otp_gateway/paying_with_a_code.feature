@otp
Feature: Paying with a one-time password
  A customer gives a card, gets a code of six digits, and has paid once the code is entered. A code is good for two
  minutes and for one attempt. Whatever a customer gives, they are told what is wrong with it and can go on.

  Background: the incident, played through once
    Given customers get their codes
    And Ada pays by card
    And Ada enters the code
    And Ben pays by card
    And Ben goes back to the card
    And Ben pays by card
    And Ben enters the code
    And Cleo gives a security code that is too short
    And Dora's app pays by card
    And Dora's app enters the code twice
    And Emil's app pays by card
    And Emil's app enters a wrong code and then the right one
    And Fay's app pays by card
    And Fay's code is one minute old
    And Fay's app enters that code
    And Gus's app pays by card
    And Gus's code is three minutes old
    And Gus's app enters that code
    And Hal's app gives what no card has
    And Iris's app gives a card that expired last month

  @R002_01
  Scenario: The payments service tells that it is well
    Then the payments service said that it was well

  @R002_02
  Scenario: The payments service tells its settings
    Then the payments service tells the settings of the document

  @R002_25
  Scenario: Everything that an app can do is documented
    Then the payments service documents its four calls

  @R002_03
  Scenario: A card gets a code
    Then Dora got a code of six digits

  @R002_04
  Scenario: Whoever enters the code has paid
    Then Ada has paid

  @R002_05
  Scenario: The books follow the payment
    Then the books tell Ada's payment step by step

  @R002_42
  Scenario: Going back costs nothing
    Then Ben was shown an empty card form
    And Ben has paid once

  @R002_17
  Scenario: What no card has is refused
    Then each thing that Hal gave was refused with its reason

  @R002_18
  Scenario: A customer is told what is wrong with the card
    Then Cleo is told what is wrong and can correct it

  @R002_21
  Scenario: A card that has expired is refused
    Then Iris was refused because the card has expired

  @R002_20a
  Scenario: A code is good once
    Then Dora's second attempt was refused as used already

  @R002_20b
  Scenario: A wrong code ends the attempt
    Then Emil's second attempt was refused as used already

  @R002_19
  Scenario: A code is good for two minutes
    Then Fay's code was accepted
    And Gus's code was refused as expired

  @R002_22
  Scenario: The books keep nothing that could be misused
    Then neither card nor security code of anybody is in the books
