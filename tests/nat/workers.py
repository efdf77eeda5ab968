"""workers.py: work done by several processes at once, each with a lab of its own.

A lab wants its process's main thread (lab.py), so that workers are processes. They end with their
parent: a Ctrl-C reaches all of them, and each takes its own lab down.

SPDX-License-Identifier: BSD-2-Clause
"""
import ctypes
import multiprocessing
import os
import queue
import signal
import traceback

PR_SET_PDEATHSIG = 1
LOOK_S = 0.5


class WorkerError(Exception):
    """A worker ended before its work; the text says why."""


def run_worker(work, tasks, results, parent):
    """In the worker: |work| takes tasks and gives results until there are none."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        return
    try:
        work(iter(lambda: take(tasks), None), results.put)
    except KeyboardInterrupt:
        pass
    except Exception as error:  # pylint: disable=broad-except # goes to the parent, whatever it is
        traceback.print_exc()
        results.put(WorkerError(f"{type(error).__name__}: {error}"))


def take(tasks):
    """The next task, or None."""
    try:
        return tasks.get(timeout=LOOK_S)
    except queue.Empty:
        return None


def share(work, tasks, count):
    """Yields what |count| processes make of |tasks|. Each calls work(its tasks, put); put(result)
    once a task."""
    tasks = list(tasks)
    context = multiprocessing.get_context("fork")
    todo, results = context.Queue(), context.Queue()
    for task in tasks:
        todo.put(task)
    workers = [context.Process(target=run_worker, args=(work, todo, results, os.getpid()))
               for _ in range(min(count, len(tasks)))]
    try:
        for worker in workers:
            worker.start()
        for _ in tasks:
            yield next_result(results, workers)
        for worker in workers:
            worker.join()
    finally:
        for worker in workers:
            if worker.is_alive():
                worker.terminate()
        for worker in workers:
            if worker.pid:
                worker.join()
        for channel in (todo, results):
            channel.close()
            channel.cancel_join_thread()


def next_result(results, workers):
    """Waits for a result as long as there is somebody who could give it."""
    while True:
        anybody = any(worker.is_alive() for worker in workers)
        try:
            result = results.get(timeout=LOOK_S)
        except queue.Empty:
            if anybody:
                continue
            raise WorkerError("all workers have ended before the work was done") from None
        if isinstance(result, WorkerError):
            raise result
        return result
