"""Papers for the application's uploads: drawn, large enough, and like no real document."""

import io

from PIL import Image, ImageDraw


def drawn(title: str) -> dict[str, object]:
    """One JPEG as Playwright's `set_input_files` takes it."""
    image = Image.new("RGB", (900, 600), "#F2F4F4")
    ImageDraw.Draw(image).text((60, 60), f"SAMPLE {title}", fill="#12181C")
    written = io.BytesIO()
    image.save(written, "JPEG")
    return {"name": f"{title}.jpg", "mimeType": "image/jpeg", "buffer": written.getvalue()}
