# A formula for a tap. ZONERS_URL and ZONERS_SHA256 stand for the archive of sources of a release and its digest: see
# packaging/README.md. `zoners install`, not `brew services`, makes Zoners the resolver of a Mac.
class Zoners < Formula
  desc "DNS server that a machine can rely on all day"
  url "ZONERS_URL"
  sha256 "ZONERS_SHA256"
  license any_of: ["MIT", "Apache-2.0"]

  depends_on "rust" => :build

  def install
    system "cargo", "build", "--locked", "--profile", "dist", "--package", "zoners"
    bin.install "target/dist/zoners"
    system bin/"zoners", "manual", buildpath/"pages"
    man1.install Dir["pages/*.1"]
    man5.install Dir["pages/*.5"]
    generate_completions_from_executable(bin/"zoners", "completions")
    pkgshare.install "zoners.example.toml"
  end

  test do
    system bin/"zoners", "check", pkgshare/"zoners.example.toml"
  end
end
