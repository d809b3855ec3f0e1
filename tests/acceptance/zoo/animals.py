"""Units that leave a process in which the next unit can run, or must be made to."""

from __future__ import annotations

from tests.acceptance.zoo.animal import Animal


def _fails(does: str, says: str = "", kind: str | None = "call") -> Animal:
    return Animal(does=does, status="failed", kind=kind, says=says)


def _patches(where: str, names: str, by: str = "None") -> Animal:
    """Until its own teardown: its report is made, and its result kept, while it lasts."""
    return Animal(does=f"for name in {names!r}.split(): monkeypatch.setattr({where}, name, {by})")


RAISING = {
    "system_exit": _fails("raise SystemExit(0)", "SystemExit"),
    "system_exit_in_setup": _fails(
        "@pytest.fixture\ndef ends(): sys.exit(0)\n\ndef test_it(ends): pass", "SystemExit", "setup"
    ),
    "system_exit_in_teardown": _fails(
        "@pytest.fixture\ndef ends():\n    yield\n    sys.exit(0)\n\ndef test_it(ends): pass", "SystemExit", "teardown"
    ),
    "generator_exit": _fails("raise GeneratorExit", "GeneratorExit"),
    "stop_iteration": _fails("raise StopIteration", "StopIteration"),
    "own_base_exception": _fails("class Odd(BaseException): pass\nraise Odd('odd')", "odd"),
    "exception_group": _fails("raise BaseExceptionGroup('all', [SystemExit(0), ValueError('one')])", "all"),
    "exception_without_words": _fails(
        """
        class Mute(Exception):
            def __str__(self): raise RuntimeError('no words')
            __repr__ = __str__
        raise Mute
        """
    ),
    "chain_of_a_hundred_causes": _fails(
        """
        error = ValueError('first')
        for number in range(100):
            try:
                raise RuntimeError(number) from error
            except RuntimeError as caught:
                error = caught
        raise error
        """
    ),
    "recursion": _fails("def deep(): deep()\ndeep()", "RecursionError"),
    "recursion_limit": _fails("sys.setrecursionlimit(10 ** 6)\nassert False, 'limit'", "limit"),
    "out_of_memory": _fails(
        """
        used = int(pathlib.Path('/proc/self/statm').read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + 2 ** 26, resource.getrlimit(resource.RLIMIT_AS)[1]))
        kept = []
        while True:
            kept.append(bytearray(2 ** 22))
        """,
        "MemoryError",
    ),
    "message_of_50_mb": _fails("assert False, 'm' * 50_000_000", "mmm"),
    "surrogates_in_its_message": _fails(r"assert False, 'a\udc80b\x00\x1b[2J'", "a"),
    "input": _fails("input()"),
}

MARKING = {
    "changes_into_a_removed_folder": Animal(
        does="""
        folder = HERE / f'gone-{os.getpid()}'
        folder.mkdir()
        os.chdir(folder)
        folder.rmdir()
        """,
        says="left the working directory removed",
    ),
    "umask": Animal(does="os.umask(0o777)", says="left the umask changed to 777"),
    "clears_the_environment": Animal(does="os.environ.clear()", says="left the environment changed"),
    "replaces_handlers": Animal(
        does="""
        for name in ('SIGINT', 'SIGTERM', 'SIGHUP', 'SIGALRM'):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
        """,
        says="left the handler of SIGINT changed",
    ),
    "blocks_signals": Animal(
        does="signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())", says="left signals blocked"
    ),
    "sets_an_alarm": Animal(does="signal.setitimer(signal.ITIMER_REAL, 1.5)", says="left an alarm set"),
    "tiny_recursion_limit": Animal(
        does="sys.setrecursionlimit(len(__import__('inspect').stack(0)) + 20)", says="left the recursion limit changed"
    ),
    "32_descriptors": Animal(
        does="resource.setrlimit(resource.RLIMIT_NOFILE, (32, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))",
        says="left the limit of open files changed",
    ),
    "files_of_no_size": Animal(
        does="resource.setrlimit(resource.RLIMIT_FSIZE, (4096, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))",
        says="left the limit of the size of files changed",
    ),
    "leaves_200_files_open": Animal(
        does="builtins.kept = [open(os.devnull) for _ in range(200)]", says="left files open"
    ),
    "kills_its_watchdog": Animal(
        does="""
        import psutil
        for process in psutil.Process().children():
            if "watchdog.py" in " ".join(process.cmdline()):
                process.kill()
                process.wait()
        """,
        says="ended the watchdog",
    ),
    "terminates_itself_with_workers": Animal(
        does="""
        if os.environ.get('PYTEST_XDIST_WORKER'):
            os.kill(os.getpid(), signal.SIGTERM)
        """
    ),
    "raises_in_the_hook_of_threads": Animal(
        does="""
        monkeypatch.setattr(threading, 'excepthook', lambda *a: 1 / 0)
        thread = threading.Thread(target=lambda: 1 / 0)
        thread.start()
        thread.join()
        """
    ),
    "exits_in_a_thread_by_exception": Animal(
        does="thread = threading.Thread(target=sys.exit, args=(3,)); thread.start(); thread.join()"
    ),
    "other_locale": Animal(does="import locale; locale.setlocale(locale.LC_ALL, 'C')"),
    "memory_of_nothing": Animal(
        does="resource.setrlimit(resource.RLIMIT_AS, (2 ** 20, resource.getrlimit(resource.RLIMIT_AS)[1]))",
        says="left the limit of memory changed",
    ),
    "leaves_a_child": Animal(does="child()", says="left processes running, which were ended"),
    "leaves_a_daemon": Animal(
        does="""
        code = 'import os, sys, time\\nif os.fork(): os._exit(0)\\nos.setsid()\\nif os.fork(): os._exit(0)\\n'
        code += 'open(sys.argv[1], "a").write(f"{os.getpid()}\\\\n"); time.sleep(600)'
        subprocess.run([sys.executable, '-S', '-c', code, str(HERE / 'pids')], check=True)
        """,
        says="left processes running, which were ended",
    ),
    "leaves_a_thread": Animal(
        does="threading.Thread(target=time.sleep, args=(600,), daemon=True).start()", says="left threads running"
    ),
    "leaves_a_thread_that_is_awaited": Animal(
        does="threading.Thread(target=time.sleep, args=(600,)).start()", says="left threads running"
    ),
    "hangs_at_exit": Animal(does="import atexit; atexit.register(time.sleep, 600)"),
    "fork_comes_back": Animal(
        does="""
        pid = os.fork()
        if pid:
            os.waitpid(pid, 0)
        """
    ),
    "fork_raises": Animal(
        does="""
        pid = os.fork()
        if not pid:
            raise KeyboardInterrupt
        os.waitpid(pid, 0)
        """
    ),
    "fork_stays": Animal(
        does="""
        pid = os.fork()
        if not pid:
            time.sleep(600)
        note(pid)
        """,
        says="left processes running, which were ended",
    ),
    "thread_raises": Animal(
        does="thread = threading.Thread(target=lambda: 1 / 0)\nthread.start()\nthread.join()",
    ),
    "finalizer_of_an_object_raises": Animal(
        does="class Odd:\n    def __del__(self): raise ValueError('in del')\nOdd()\ngc.collect()"
    ),
    "coroutine_never_awaited": Animal(does="async def one(): pass\none()\ngc.collect()"),
    "event_loop_left_open": Animal(does="builtins.loop = asyncio.new_event_loop()", says="left files open"),
}

PRINTING = {
    "prints_200_mb": Animal(does="for _ in range(200): sys.stdout.write('x' * 999_999 + chr(10))", within_s=20),
    "writes_100_mb_past_python": Animal(does="for _ in range(100): os.write(1, b'y' * 10 ** 6)", within_s=20),
    "prints_bytes_of_no_text": Animal(does="os.write(1, bytes(range(256)) * 100); os.write(2, b'\\xff\\xfe')"),
    "prints_escapes": Animal(does=r"print('\x1b[2J\x1b]0;title\x07\x1bc' * 100); assert True"),
    "prints_escapes_and_fails": _fails(r"print('\x1b[2J\x1b]0;title\x07'); assert False, '\x1b[2J'"),
    "warns_10_000_times": Animal(does="for number in range(10_000): warnings.warn(f'w{number}')", within_s=20),
    "logs_50_000_times": Animal(does="for _ in range(50_000): logging.getLogger().warning('x' * 99)", within_s=20),
    "stdout_is_none": Animal(does="sys.stdout = sys.stderr = sys.stdin = None"),
    "stdout_raises": Animal(
        does="class Odd:\n    def __getattr__(self, name): raise OSError(5, 'no')\nsys.stdout = sys.stderr = Odd()"
    ),
    "metrics_of_every_kind": Animal(
        does=r"""
        circle = []
        circle.append(circle)
        deep = []
        for _ in range(100_000): deep = [deep]
        values = [float('nan'), float('inf'), 10 ** 5000, -2 ** 64, b'\xff', {1, 2}, '\udc80', circle, deep, object()]
        for number, value in enumerate(values):
            try:
                benchrun.metric(f'm{number}\udc80\n', value)
            except Exception as error:
                print(type(error).__name__)
        benchrun.event('e\x00', value=values, **{'\udcff': deep})
        benchrun.note('\udc80\x1b[2J' * 1000)
        benchrun.stage('x' * 100_000)
        """
    ),
}

PATCHING = {
    "own_pytest_in_its_process": Animal(
        does="""
        folder = tmp_path
        (folder / 'test_inner.py').write_text('def test_inner(): assert 0')
        assert pytest.main(['-q', '-p', 'no:cacheprovider', '--rootdir', str(folder), str(folder)]) == 1
        """
    ),
    "own_pytest_beside_it": Animal(
        does="""
        folder = tmp_path
        (folder / 'test_inner.py').write_text('def test_inner(): pass')
        argv = [sys.executable, '-m', 'pytest', '-q', '--rootdir', str(folder), str(folder)]
        ended = subprocess.run(argv, capture_output=True, text=True, cwd=folder)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        """
    ),
    "stops_the_clocks": _patches("time", "time monotonic perf_counter", "lambda: 0.0"),
    "breaks_sleep": _patches("time", "sleep"),
    "breaks_open": _patches("builtins", "open"),
    "breaks_os": _patches("os", "write read close fsync replace rename stat unlink mkdir getcwd kill dup"),
    "breaks_json": _patches("json", "dumps loads"),
    "breaks_orjson_for_good": Animal(
        does="""
        import orjson
        def no(*a, **k): raise ValueError('no json')
        orjson.dumps = orjson.loads = no
        """
    ),
    "breaks_pathlib": _patches("pathlib.Path", "open exists read_text mkdir"),
    "breaks_threading": _patches("threading", "Lock Thread enumerate active_count"),
    "breaks_subprocess": _patches("subprocess", "Popen run"),
    "no_garbage_collection": Animal(
        does="gc.disable(); gc.set_threshold(0)", says="left garbage collection switched off"
    ),
    "own_trace_function": Animal(
        does="sys.settrace(lambda *a: 1 / 0 if False else None); sys.setprofile(None)",
        says="left the trace function changed",
    ),
    "empties_sys_path": Animal(does="for name in ('path', 'meta_path'): monkeypatch.setattr(sys, name, [])"),
    "empties_sys_modules": Animal(does="monkeypatch.setattr(sys, 'modules', {})"),
    "warnings_are_errors": Animal(does="warnings.simplefilter('error'); monkeypatch.setattr(warnings, 'warn', None)"),
    "lowers_its_priority": Animal(does="os.nice(5)"),
    "logging_is_off": Animal(
        does="logging.disable(logging.CRITICAL); logging.shutdown(); logging.root.handlers.clear()"
    ),
}

ANIMALS = {**RAISING, **MARKING, **PRINTING, **PATCHING}
