"""The stand-in Opsgenie, Jira Service Management and Slack: one process, one port, no account.

People try their registry against it, the demo shows it, and every test of delivery uses it. So it is strict: it
answers what the real services answer, refuses what they refuse, and keeps a list of every rule a client broke. It
shares no code with delivery, so that a mistake there cannot hide behind the same mistake here.

Layout: ``answers`` (refusals) · ``options`` · ``records`` (requests and violations) · ``faults`` · ``rates`` ·
``alerts``, ``actions``, ``heartbeats``, ``directory`` (Opsgenie's world) · ``opsgenie``, ``jsm`` (its HTTP) ·
``channels``, ``blocks``, ``slack`` (Slack's world and HTTP) · ``control`` (``/sandbox/...``) · ``app``, ``server``.
"""
