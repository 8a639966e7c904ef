@otp
Feature: Customers keep coming while audit logging is deployed
  On a busy day customers do not pay all at once: they come one after the other, and one who is held up is in the way
  of the next. Twelve a second keep coming, before the change, under it, and after it.

  Background: the incident, played through once
    Given customers get their codes
    And 12 customers a second keep coming
    And 36 more have come
    And audit logging is deployed
    And 72 more have come
    And audit logging is rolled back
    And 36 more have come
    And the last of them has been answered

  @R002_46
  Scenario: Before it everybody gets a code
    Then everybody who came before audit logging got a code

  @R002_47
  Scenario: Under it everybody still gets a code in time
    Then those who came under audit logging got a code in time

  @R002_48
  Scenario: After it everybody gets a code again
    Then everybody who came after audit logging got a code

  @R002_49
  Scenario: Nobody is lost
    Then everybody who came is accounted for, here and in the books

  @R002_50
  Scenario: As reported: under it customers stay without a code
    Then those who came under audit logging stayed without a code
