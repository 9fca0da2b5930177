"""The words of each endpoint under `/v1`: what may be sent, and how an answer is told.

Routes are in `web/api.py`; what happens in between is the hall's, the same for all.
"""
