"""The stand-in Opsgenie, Jira Service Management and Slack: one process, one port, no account.

People try their registry against it, the demo shows it, and every test of delivery uses it. So it is strict: it
answers what the real services answer, refuses what they refuse, and keeps a list of every rule a client broke. It
shares no code with delivery, so that a mistake there cannot hide behind the same mistake here.

Opsgenie's world: ``alerts``, ``actions``, ``rules``, ``heartbeats``, ``directory``; its HTTP:
``opsgenie``, ``lookups``, ``jsm``.
Slack's world: ``channels``, ``blocks``; its HTTP: ``slack``, ``slack_reads``.
Around both: ``world`` (all state, the clock), ``faults``, ``trouble``, ``rates``, ``records``, ``control``, ``page``.
Below: ``routing``, ``answers``, ``wire``, ``app``, ``server``. For the command: ``start``, ``keeping``, ``options``.
"""
