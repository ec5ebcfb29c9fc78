"""hello: a small stateless web service, the platform's sample app and test subject.

It keeps nothing between requests and needs no other service. It deliberately
serves neither TLS nor logins: those belong to the edge in front of it.
"""
