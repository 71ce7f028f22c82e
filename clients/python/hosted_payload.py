"""A payload: registers, takes images, stages them for the ground, answers health checks, and
shuts down when it is told to.

    python3 hosted_payload.py FOLDER OUTBOUND

FOLDER is what ``payload-controller provision`` names at its end.
"""

import os
import sys

import heliograph_payload as hosted


class Camera(hosted.Payload):
    def __init__(self, outbound):
        self.outbound = outbound

    def has_sequence(self, sequence):
        return sequence == "Image"

    def sequence(self, channel, run):
        place = channel.current_location()
        for percent in (25, 50, 75):
            if run.wait(0.05):
                raise RuntimeError("the image was cancelled")
            run.progress(percent, "exposing")
        with open(os.path.join(self.outbound, "image.raw"), "w") as image:
            image.write(f"{run.params} at {place.latitude} {place.longitude}")
        channel.stage_file_download("image.raw", hosted.Priority.HIGH, hosted.Band.S)

    def health(self):
        return hosted.ReturnCode.SUCCESS


def main():
    if len(sys.argv) != 3:
        sys.exit("the folder of its files, and its outbound directory, please")
    folder, outbound = sys.argv[1:]
    files = hosted.Files.folder(folder)
    channel = hosted.create_channel(files, Camera(outbound))
    channel.register(restart_on_failed_health=True)
    channel.wait_for_shutdown()
    channel.delete_channel()


if __name__ == "__main__":
    main()
