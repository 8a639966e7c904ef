@otp
Feature: Payments are logged for the auditors
  A change that looks harmless is deployed: two entries for the auditors with every payment. A customer alone notices
  nothing. When several pay at once nobody gets a code any more, and nothing tells the operators.

  Background: the incident, played through once
    Given customers get their codes
    And Ada's app pays by card
    And audit logging is deployed
    And Ben's app pays by card
    And Cleo pays by card
    And Cleo enters the code
    And 1 customer pays at once
    And 3 customers pay at once
    And 5 customers pay at once
    And 10 customers pay at once
    And 40 customers pay at once
    And Dora pays by card among 30 others
    And audit logging is rolled back
    And 5 customers pay at once
    And Dora pays by card
    And Dora enters the code

  @R002_06
  Scenario: Without audit logging a payment takes no time
    Then a payment alone was written down in about 30 ms without audit logging

  @R002_07a
  Scenario: With audit logging a payment alone takes 300 ms
    Then a payment alone was written down in about 300 ms with audit logging

  @R002_07b
  Scenario: Every payment is logged twice
    Then every payment has its two entries for the auditors

  @R002_28
  Scenario: One entry comes before the payment awaits its code, the other after
    Then the entries for the auditors stand before and after the change

  @R002_16
  Scenario: A customer alone is never affected
    Then Ben got a code of six digits
    And Cleo has paid

  @R002_09
  Scenario: Each customer who pays at once costs everybody 50 ms
    Then writing took 250 ms, and 50 ms more for each who paid at once

  @R002_27
  Scenario: The more pay at once the longer it takes, in proportion
    Then waiting grew in proportion to those who paid at once

  @R002_43
  Scenario: Everybody gets a code, however many pay at once
    Then everybody got a code in time, 1, 5 and 10 at once

  @R002_44
  Scenario: Every payment is in the books once
    Then whoever paid at once is in the books once

  @R002_45
  Scenario: Nobody who was refused has paid
    Then no payment that was refused was completed

  @R002_12b
  Scenario: The health check answers at once
    Then the payments service said at once that it was well while 40 paid

  @R002_15
  Scenario: Taking audit logging back heals
    Then everybody got a code when 5 paid at once after it
    And Dora has paid once

  @R002_08
  Scenario: Four in five, says the report
    Then of 40 at once not four in five got a code

  @R002_26
  Scenario: A customer at the page fares like everybody else
    Then Dora fared like the others

  @R002_10
  Scenario: As reported: 5 at once and more got no code
    Then nobody got a code when 5, 10 and 40 paid at once

  @R002_11
  Scenario: As reported: the failure looked like an answer
    Then whoever got no code was answered politely

  @R002_12a
  Scenario: As reported: nothing told of it
    Then nothing in the logs told of those who got no code
    And the payments service stayed healthy throughout

  @R002_13
  Scenario: As reported: the customer was asked to try again
    Then Dora was asked to try again, with the card still there

  @R002_14
  Scenario: As reported: trying again was given up after three times
    Then whoever got no code was told within 1400 ms more
