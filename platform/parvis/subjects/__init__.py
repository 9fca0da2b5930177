"""What the house keeps of one person or case: found, copied, held, erased, and gone in time.

The hall of data-protection law: it crosses the rooms of conversations, audit, identity and
compliance, finds by keys and never by searching texts, and writes a record before it acts.
"""
