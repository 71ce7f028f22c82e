"""One hearing: a JSON list of questions on stdin, a JSON list of answers on stdout.

A question is an object whose "ask" names what to do. Its answer is
{"answer": ...}, or {"refused": "why"} when the referee's library rejects what
it was shown. A question that makes no sense to the script itself ends it with
a traceback.
"""

import json
import sys


def hold(**answers):
    """Answers each question with the function of its "ask"."""
    judged = [_judge(answers, question) for question in json.load(sys.stdin)]
    json.dump(judged, sys.stdout)


def _judge(answers, question):
    answer = answers[question.pop("ask")]
    try:
        return {"answer": answer(**question)}
    except Exception as error:
        if _raised_by_us(error):
            raise
        return {"refused": f"{type(error).__name__}: {error}"}


def _raised_by_us(error):
    """A wrong call of the script's function, not a verdict of the library."""
    return isinstance(error, TypeError) and error.__traceback__.tb_next is None
