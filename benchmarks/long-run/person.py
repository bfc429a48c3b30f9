"""A person who asks for names of the lab all the time, in a process of its own."""

import asyncio
import collections
import json
import os
import random
import subprocess
import sys
import threading
import time

# Questions a second, and seconds until one is given up.
RATE, PATIENCE = 25, 6

Outcome = collections.namedtuple('Outcome', 'question took failed wrong stale')


class Person:
    """What it got since the last look."""

    def __init__(self, folder):
        self.folder, self.lock, self.heard = folder, threading.Lock(), []

    def __enter__(self):
        command = ['ip', 'netns', 'exec', 'lab-cli', sys.executable, __file__, str(self.folder)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        threading.Thread(target=self.listen, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.process.kill()

    def listen(self):
        for line in self.process.stdout:
            with self.lock:
                self.heard.append(Outcome(*json.loads(line)))

    def outcomes(self):
        with self.lock:
            heard, self.heard = self.heard, []
        return heard


async def ask_for_ever(folder):
    # What has one right answer, whatever the line does.
    with open(f'{folder}/truth.jsonl', encoding='utf-8') as file:
        truth = [question for question in map(json.loads, file)
                 if question['fault'] in ('none', 'lame') and question['t'] == 'A']
    chance = random.Random(1)
    chance.shuffle(truth)
    weights = [1 / (number + 1) for number in range(len(truth))]
    parent, asking = os.getppid(), set()
    while os.getppid() == parent:
        task = asyncio.create_task(ask(chance.choices(truth, weights)[0]))
        asking.add(task)
        task.add_done_callback(asking.discard)
        await asyncio.sleep(1 / RATE)


async def ask(question):
    import dns.asyncquery
    import dns.edns
    import dns.exception
    import dns.message
    import dns.rcode
    import dns.rdatatype
    query = dns.message.make_query(question['q'], question['t'], use_edns=0, payload=1232)
    began = time.monotonic()
    failed, wrong, stale, got = True, False, False, 'no reply'
    try:
        reply, _ = await dns.asyncquery.udp_with_fallback(query, '127.0.0.1', timeout=PATIENCE)
    except (OSError, dns.exception.DNSException):
        pass
    else:
        got = dns.rcode.to_text(reply.rcode())
        failed = got not in ('NOERROR', 'NXDOMAIN')
        addresses = sorted(rdata.to_text() for rrset in reply.answer for rdata in rrset
                           if rrset.rdtype == dns.rdatatype.A)
        wrong = not failed and (got != question['rcode'] or addresses != sorted(question['rr']))
        codes = {option.code for option in reply.options if isinstance(option, dns.edns.EDEOption)}
        stale = bool(codes & {dns.edns.EDECode.STALE_ANSWER, dns.edns.EDECode.STALE_NXDOMAIN_ANSWER})
    outcome = [f'{question["q"]} {got}', time.monotonic() - began, failed, wrong, stale]
    print(json.dumps(outcome), flush=True)


if __name__ == '__main__':
    asyncio.run(ask_for_ever(sys.argv[1]))
