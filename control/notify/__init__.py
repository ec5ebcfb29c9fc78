"""Notifications: Alertmanager's webhooks, made fit for each kind of receiver and delivered.

Which alerts a receiver gets, how they are grouped and when they are repeated is Alertmanager's
matter. So is trying again: nothing is kept here, a delivery that fails is answered as failed.
"""
