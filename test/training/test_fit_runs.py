"""What a training leaves in ``runs/NAME``, and never takes away."""

from __future__ import annotations

import fcntl
import json
import os
import re
from types import SimpleNamespace

import torch
from full_disk import fill_after
from lightning import Trainer
from tiny_fit import fit

from training.checkpoint import load_checkpoint
from training.checkpoint_files import BestCheckpoint
from training.last_checkpoint import LastCheckpoint
from training.module import PerceptionModule


def test_callbacks_and_loggers_that_are_asked_for_are_added_to_ours(folder, tmp_path, monkeypatch):
    """Averaged weights are what is kept, and a break changes nothing of them."""
    monkeypatch.chdir(tmp_path)
    average = {"class_path": "lightning.pytorch.callbacks.EMAWeightAveraging", "init_args": {"decay": 0.9}}
    asked = ["--trainer.callbacks", json.dumps([average]), "--trainer.logger", "false", "--trainer.max_epochs", "2"]
    step = PerceptionModule.training_step

    def interrupted(module, batch, index):
        if module.global_step == 3:
            raise KeyboardInterrupt
        return step(module, batch, index)

    last, whole = (tmp_path / "runs" / name / "last.ckpt" for name in ("tiny", "whole"))
    with monkeypatch.context() as patch:
        patch.setattr(PerceptionModule, "training_step", interrupted)
        patch.setattr("training.last_checkpoint.INTERVAL", 0.0)
        assert fit(folder, *asked) == 130
    broken = torch.load(last, weights_only=True)
    trained, averaged = broken["current_model_state"], broken["state_dict"]
    assert broken["global_step"] == 2 and broken["averaging_state"]["n_averaged"] == 2
    assert any(not torch.equal(trained[name], averaged[name]) for name in trained)
    assert fit(folder, *asked, "--ckpt_path", str(last)) == 0
    assert fit(folder, *asked, "--name", "whole") == 0
    resumed, unbroken = (torch.load(path, weights_only=True)["state_dict"] for path in (last, whole))
    assert all(torch.equal(resumed[name], value) for name, value in unbroken.items())
    assert all(torch.equal(resumed[f"network.{k}"], v) for k, v in load_checkpoint(last).network.state_dict().items())
    assert sorted(p.name for p in last.parent.iterdir()) == ["config.yaml", "last.ckpt"]
    assert [p.name for p in tmp_path.iterdir()] == ["runs"]


def test_few_steps_are_said(folder, tmp_path, monkeypatch, capsys):
    """Epochs of the few frames that somebody labelled are soon over, and the teacher has learnt little."""
    monkeypatch.chdir(tmp_path)
    assert fit(folder, "--trainer.max_epochs", "2", "--trainer.logger", "false") == 0
    told = capsys.readouterr().out
    assert "MTI-Net on mobilenetv4_conv_small (pretrained: none), rgb to depth + semantic" in told
    assert re.search(r"2 epochs are \d+ steps here, which is little .*`--trainer.max_steps 4800", told)
    asked = ["--trainer.max_steps", "2", "--trainer.max_epochs", "-1", "--name", "asked", "--trainer.logger", "false"]
    assert fit(folder, *asked) == 0
    assert "which is little" not in capsys.readouterr().out


def test_a_name_that_is_taken_is_not_trained_over(folder, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert fit(folder, "--trainer.max_epochs", "1", "--trainer.logger", "false") == 0
    last = tmp_path / "runs" / "tiny" / "last.ckpt"
    before = last.read_bytes()
    copy = tmp_path / "copy.ckpt"
    copy.write_bytes(before)
    for more in ([], ["--ckpt_path", str(copy)]):
        capsys.readouterr()
        assert fit(folder, "--trainer.max_epochs", "1", *more) == 2
        (complaint,) = capsys.readouterr().err.strip().splitlines()
        assert "runs/tiny/last.ckpt is of an earlier training, which this one would overwrite" in complaint
        assert "--ckpt_path runs/tiny/last.ckpt" in complaint and "another --name" in complaint
    assert last.read_bytes() == before
    best = last.rename(last.with_name("best.ckpt"))
    assert fit(folder, "--trainer.max_epochs", "1") == 2
    assert "runs/tiny/best.ckpt is of an earlier training" in capsys.readouterr().err
    assert fit(folder, "--trainer.max_epochs", "1", "--ckpt_path", "runs/tiny/best.ckpt") == 0
    assert best.read_bytes() == before


def test_mixed_precision_trains(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert fit(folder, "--trainer.max_steps", "2", "--trainer.precision", "bf16-mixed") == 0


def test_all_processes_write_a_checkpoint_or_none_does(tmp_path, monkeypatch):
    """Each has its own clock, and a checkpoint waits for all."""

    class Together:
        written = 0
        agreed = False

        @property
        def strategy(self):
            return SimpleNamespace(reduce_boolean_decision=lambda own, all: self.agreed)

        def save_checkpoint(self, path):
            self.written += 1

    trainer, last = Together(), LastCheckpoint(str(tmp_path))
    last.on_train_start(trainer, None)
    for interval, written in ((0.0, 0), (1e9, 1)):
        monkeypatch.setattr("training.last_checkpoint.INTERVAL", interval)
        last.on_train_epoch_end(trainer, None)
        assert trainer.written == written
        trainer.agreed = True


def test_a_full_disk_leaves_the_last_good_checkpoint(folder, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("training.last_checkpoint.INTERVAL", 0.0)
    fill_after(1, monkeypatch)
    assert fit(folder, "--trainer.max_epochs", "2", "--trainer.logger", "false") == 2
    assert capsys.readouterr().err.strip().splitlines()[-1].startswith("error: No space left on device (runs/tiny/last")
    last = tmp_path / "runs" / "tiny" / "last.ckpt"
    assert torch.load(last, weights_only=True)["global_step"] == 2
    assert sorted(p.name for p in last.parent.iterdir()) == ["config.yaml", "last.ckpt"]


def test_two_do_not_train_in_one_folder(folder, tmp_path, monkeypatch, capsys):
    """The second would begin its own beside the first's, or write an older state over it."""
    monkeypatch.chdir(tmp_path)
    run = tmp_path / "runs" / "tiny"
    run.mkdir(parents=True)
    (run / "metrics.csv").write_text("of the other")
    held = os.open(run, os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_EX)
    assert fit(folder, "--trainer.max_epochs", "1") == 2
    (complaint,) = capsys.readouterr().err.strip().splitlines()
    assert complaint == (
        "error: another process trains in runs/tiny: wait until it has ended, or train under another name"
    )
    assert [p.name for p in run.iterdir()] == ["metrics.csv"] and (run / "metrics.csv").read_text() == "of the other"
    os.close(held)
    assert fit(folder, "--trainer.max_epochs", "1") == 0


def test_no_log_takes_the_place_of_another(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = tmp_path / "runs" / "tiny"
    run.mkdir(parents=True)
    for name in ("metrics-2.csv", "metrics.csv"):
        (run / name).write_text(name)
    assert fit(folder, "--trainer.max_epochs", "1") == 0
    assert (run / "metrics-2.csv").read_text() == "metrics-2.csv"
    assert (run / "metrics-1.csv").read_text() == "metrics.csv"


def test_a_break_does_not_lose_the_best(folder, tmp_path, monkeypatch):
    """The second epoch is the best, and the break is in the third."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("training.last_checkpoint.INTERVAL", 0.0)
    scores, step = [0.5, 0.9, 0.7, 0.6], PerceptionModule.training_step

    def scored(module):
        module.log("val/score", scores[module.current_epoch])
        module._metrics.reset()

    def interrupted(module, batch, index):
        if module.current_epoch == 2:
            raise KeyboardInterrupt
        return step(module, batch, index)

    monkeypatch.setattr(PerceptionModule, "on_validation_epoch_end", scored)
    asked = ["--data.hold_out", "2", "--trainer.max_epochs", "4"]
    with monkeypatch.context() as patch:
        patch.setattr(PerceptionModule, "training_step", interrupted)
        assert fit(folder, *asked) == 130
    best, last = (tmp_path / "runs" / "tiny" / name for name in ("best.ckpt", "last.ckpt"))
    assert torch.load(best, weights_only=True)["epoch"] == 1
    assert fit(folder, *asked, "--ckpt_path", str(last)) == 0
    assert torch.load(best, weights_only=True)["epoch"] == 1


def test_a_name_may_be_a_path(folder, tmp_path, monkeypatch, capsys):
    """Everything of the run lies there, and what lies there is not trained over."""
    monkeypatch.chdir(tmp_path)
    asked = ["--trainer.max_epochs", "1", "--name", str(tmp_path / "elsewhere")]
    assert fit(folder, *asked) == 0
    assert (tmp_path / "elsewhere" / "last.ckpt").exists() and not [*tmp_path.glob("runs/**/last.ckpt")]
    assert fit(folder, *asked) == 2
    assert "is of an earlier training, which this one would overwrite" in capsys.readouterr().err


def test_the_best_of_a_folder_that_was_moved_is_still_the_one_to_beat(tmp_path):
    before, after = (BestCheckpoint(str(tmp_path / name)) for name in ("before", "after"))
    best = str(tmp_path / "before" / "best.ckpt")
    before.best_model_score, before.best_model_path, before.kth_best_model_path = torch.tensor(0.7), best, best
    before.best_k_models, before.kth_value = {best: torch.tensor(0.7)}, torch.tensor(0.7)
    trainer = Trainer(logger=False, accelerator="cpu")
    after.load_state_dict(before.state_dict())
    assert after.check_monitor_top_k(trainer, torch.tensor(0.6)), "nothing was moved: a new name"
    (tmp_path / "after").mkdir()
    (tmp_path / "after" / "best.ckpt").touch()
    after.load_state_dict(before.state_dict())
    assert after.best_k_models == {str(tmp_path / "after" / "best.ckpt"): torch.tensor(0.7)}
    assert not after.check_monitor_top_k(trainer, torch.tensor(0.6))
    assert after.check_monitor_top_k(trainer, torch.tensor(0.8))
