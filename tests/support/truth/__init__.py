"""A simulated world that proves eventual truth: a model site that errs, workers that are killed, frozen and misdated.

site       what the site truly shows, and how its pages look
faults     how it errs
scheduling processes whose every command waits for its turn, in a time of their own
worker     the real frontier, pipelines and archive, fed by the model site
simulation one history, made of one seed
verdict    what must hold when all is well again
"""
