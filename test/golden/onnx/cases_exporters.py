"""Parts of networks as PyTorch's exporter writes them."""

import torch
import torch.nn as nn
import torch.nn.functional as F
from golden_onnx import exported, normal

DEEP = 1e-5  # several layers: errors add up, a unit of rounding each


class Residual(nn.Module):
    def __init__(self, channels, activation=nn.ReLU):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(channels)
        self.activation = activation()

    def forward(self, x):
        y = self.norm2(self.conv2(self.activation(self.norm1(self.conv1(x)))))
        return self.activation(x + y)


class Excite(nn.Module):
    """Squeeze and excitation: a gate for each channel, from its mean."""

    def __init__(self, channels, gate):
        super().__init__()
        self.reduce = nn.Conv2d(channels, 2, 1)
        self.expand = nn.Conv2d(2, channels, 1)
        self.gate = gate

    def forward(self, x):
        s = F.adaptive_avg_pool2d(x, 1)
        return x * self.gate(self.expand(F.silu(self.reduce(s))))


class Inverted(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            *(nn.Conv2d(4, 12, 1, bias=False), nn.BatchNorm2d(12), nn.ReLU6()),
            *(nn.Conv2d(12, 12, 3, padding=1, groups=12, bias=False), nn.BatchNorm2d(12), nn.ReLU6()),
            *(nn.Conv2d(12, 4, 1, bias=False), nn.BatchNorm2d(4)),
        )

    def forward(self, x):
        return x + self.layers(x)


class Dense(nn.Module):
    def __init__(self):
        super().__init__()
        self.norms = nn.ModuleList([nn.BatchNorm2d(3), nn.BatchNorm2d(5)])
        self.convs = nn.ModuleList([nn.Conv2d(3, 2, 3, padding=1), nn.Conv2d(5, 2, 3, padding=1)])

    def forward(self, x):
        for norm, conv in zip(self.norms, self.convs):
            x = torch.cat([x, conv(F.relu(norm(x)))], 1)
        return x


class UNet(nn.Module):
    """One step down and up, for pictures of odd sizes: what was cropped is padded."""

    def __init__(self, transposed):
        super().__init__()
        self.first = nn.Conv2d(2, 3, 3, padding=1)
        self.deep = nn.Conv2d(3, 4, 3, padding=1)
        self.up = nn.ConvTranspose2d(4, 3, 2, stride=2) if transposed else nn.Conv2d(4, 3, 1)
        self.last = nn.Conv2d(6, 2, 3, padding=1)
        self.transposed = transposed

    def forward(self, x):
        left = F.relu(self.first(x))
        y = F.relu(self.deep(F.max_pool2d(left, 2)))
        if not self.transposed:
            y = F.interpolate(y, scale_factor=2, mode="bilinear", align_corners=True)
        y = self.up(y)
        down, right = left.shape[2] - y.shape[2], left.shape[3] - y.shape[3]
        y = F.pad(y, (0, right, 0, down))
        return self.last(torch.cat([left, y], 1))


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.project = nn.Linear(8, 24)
        self.norm = nn.LayerNorm(8)

    def forward(self, x):
        b, t, c = x.shape
        q, k, v = self.project(self.norm(x)).view(b, t, 3, 2, 4).permute(2, 0, 3, 1, 4)
        weights = (q @ k.transpose(-2, -1) * 0.5).softmax(-1)
        return x + (weights @ v).transpose(1, 2).reshape(b, t, c)


def _yolo(x):
    """A detector's head: boxes on a grid whose size the picture gives."""
    batch, _, height, width = x.shape
    y = x.view(batch, 2, 7, height, width).permute(0, 1, 3, 4, 2).sigmoid()
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    cells = torch.stack([columns, rows], 2).view(1, 1, height, width, 2).to(x.dtype)
    places = (y[..., 0:2] * 2 - 0.5 + cells) * 8
    sizes = (y[..., 2:4] * 2) ** 2 * 16
    return torch.cat([places, sizes, y[..., 4:]], -1).view(batch, -1, 7)


def write_cases():
    def part(name, module, *inputs, opset=13, **rest):
        exported(f"exporter/{name}", module, *inputs, opset=opset, tolerance=DEEP, **rest)

    picture = normal(1, 3, 9, 11)
    why = "Shape, Gather, Unsqueeze, Concat, Reshape: folded once the shape is known"
    for opset in (9, 11, 13, 17):
        chain = lambda x: x.view(x.size(0), x.size(1) * x.size(2), -1).mean(2)  # noqa: E731
        part(f"reshape_chain{opset}", chain, picture, opset=opset, dynamic=[0, 2, 3], why=why)
    part("residual", Residual(4), normal(2, 4, 6, 5), dynamic=[0])
    part("residual_silu", Residual(3, nn.SiLU), normal(1, 3, 6, 5))
    part("inverted", Inverted(), normal(1, 4, 7, 7), opset=11, dynamic=[0])
    part("dense", Dense(), picture, opset=9)
    part("excite", Excite(4, nn.Sigmoid()), normal(2, 4, 5, 3))
    part("excite_hard", Excite(4, nn.Hardsigmoid()), normal(2, 4, 5, 3), opset=14)
    part("unet_transposed", UNet(True), normal(1, 2, 7, 9))
    part("unet_resized", UNet(False), normal(1, 2, 7, 9), dynamic=[2, 3])
    part("attention", Attention(), normal(2, 3, 8), dynamic=[0, 1])
    part("attention17", Attention(), normal(1, 5, 8), opset=17)
    part("yolo_head", _yolo, normal(1, 14, 3, 4), dynamic=[2, 3])
    pyramid = lambda x: torch.cat([x] + [F.max_pool2d(x, k, 1, k // 2) for k in (3, 5, 7)], 1)  # noqa: E731
    part("pyramid_pooling", pyramid, picture, why="stride 1, windows larger than the picture's edge")
    distribution = lambda x: x.view(2, 4, 5, 3).softmax(2).mul(torch.arange(5.0).view(5, 1)).sum(2)  # noqa: E731
    part("distribution_head", distribution, normal(2, 20, 3), why="a box side as the mean of a distribution")
    upscaled = nn.Sequential(nn.Conv2d(3, 12, 3, padding=1), nn.PixelShuffle(2), nn.Tanh())
    part("super_resolution", upscaled, picture, opset=11, dynamic=[2, 3])
    classifier = nn.Sequential(
        *(nn.Conv2d(3, 6, 3, stride=2, padding=1), nn.BatchNorm2d(6), nn.Hardswish(), nn.Dropout(0.2)),
        *(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 4), nn.Softmax(1)),
    )
    part("classifier", classifier, picture, opset=14, dynamic=[0])
    lenet = nn.Sequential(
        *(nn.Conv2d(1, 3, 5, padding=2), nn.Tanh(), nn.AvgPool2d(2)),
        *(nn.Conv2d(3, 4, 5), nn.Tanh(), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(4, 10)),
    )
    part("lenet", lenet, normal(2, 1, 12, 12), opset=7)
    masked = lambda x: torch.where(x > 0, x, x.exp() - 1) * (x.abs() < 1)  # noqa: E731
    part("masks", masked, picture)
    windows = lambda x: F.unfold(x, 3, padding=1, stride=2)  # noqa: E731
    part("unfold", windows, normal(1, 2, 5, 7), why="Gather with indices made of shapes")
    standardised = lambda x: (x - x.mean((2, 3), True)) / (x.std((2, 3), keepdim=True) + 1e-3)  # noqa: E731
    part("standardised", standardised, normal(2, 3, 4, 5))
    triangle = lambda x: x.masked_fill(torch.ones(5, 5).triu(1).bool(), float("-inf")).softmax(-1)  # noqa: E731
    part("causal", triangle, normal(2, 5, 5), opset=14)
