"""Tasks in a list, by the time at which they go on."""

import time


class CancelledError(BaseException):
    pass


class Task:
    def __init__(self, coro):
        self.coro = coro
        self.data = None
        self.ph_key = 0

    def cancel(self):
        self.data = CancelledError()
        _task_queue.remove(self)
        _task_queue.push(self)

    def __iter__(self):
        return self

    def __next__(self):
        if self.coro is None:
            raise StopIteration
        _task_queue.push(cur_task, time.ticks_ms() + 50)


class TaskQueue:
    def __init__(self):
        self.q = []

    def push(self, task, key=None):
        task.ph_key = time.ticks_ms() if key is None else key
        self.q.append(task)

    def remove(self, task):
        if task in self.q:
            self.q.remove(task)

    def pop(self):
        first = self.q[0]
        for task in self.q:
            if task.ph_key < first.ph_key:
                first = task
        self.q.remove(first)
        return first


class SingletonGenerator:
    def __init__(self):
        self.state = None

    def __iter__(self):
        return self

    def __next__(self):
        if self.state is not None:
            _task_queue.push(cur_task, self.state)
            self.state = None
            return None
        raise StopIteration


_task_queue = TaskQueue()
_sgen = SingletonGenerator()
cur_task = None
_keys = []


def sleep_ms(t):
    _sgen.state = time.ticks_ms() + max(0, t)
    return _sgen


def create_task(coro):
    task = Task(coro)
    _task_queue.push(task)
    return task


def typed(n):
    """What a person has typed at the console, at most n characters."""
    if not _keys:
        return ""
    return _keys.pop(0)


def go_on(until_ms):
    """Run every task that is due before a moment."""
    global cur_task
    while _task_queue.q:
        task = _task_queue.pop()
        if task.ph_key > until_ms:
            _task_queue.push(task, task.ph_key)
            break
        if task.ph_key > time.ticks_ms():
            time.now_ms = task.ph_key
        cur_task = task
        fault, task.data = task.data, None
        try:
            if fault is None:
                task.coro.send(None)
            else:
                task.coro.throw(fault)
        except (StopIteration, CancelledError):
            task.coro = None
    time.now_ms = until_ms
    cur_task = None
