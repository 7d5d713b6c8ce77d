// Takes the picture for a photo's form with the computer's camera. Without it the form takes a file.
(() => {
  const part = (id) => document.getElementById(id);
  const [form, finder, start, take, picture] = ["photo", "finder", "start", "take", "picture"].map(part);
  if (!navigator.mediaDevices?.getUserMedia) return;
  part("camera").hidden = false;
  let stream;
  const stop = () => stream?.getTracks().forEach((track) => track.stop());
  addEventListener("pagehide", stop);

  start.addEventListener("click", async () => {
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: 1280 }, height: { ideal: 960 } } });
      finder.srcObject = stream;
      finder.hidden = false;
      await finder.play();
      start.hidden = true;
      take.hidden = false;
      take.focus();
    } catch {
      stop();
      finder.hidden = true;
      part("no-camera").hidden = false;
    }
  });

  take.addEventListener("click", () => {
    // What the finder shows: the middle of the camera's picture, three by four.
    const [width, height] = [finder.videoWidth, finder.videoHeight];
    const kept = Math.min(width, Math.round((height * 3) / 4));
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [kept, Math.min(height, Math.round((kept * 4) / 3))];
    const [left, top] = [(width - canvas.width) / 2, (height - canvas.height) / 2];
    canvas.getContext("2d").drawImage(finder, left, top, canvas.width, canvas.height, 0, 0, canvas.width, canvas.height);
    canvas.toBlob((blob) => {
      const files = new DataTransfer();
      files.items.add(new File([blob], "photo.jpg", { type: "image/jpeg" }));
      picture.files = files.files;
      stop();
      form.requestSubmit();
    }, "image/jpeg", 0.92);
  });
})();
