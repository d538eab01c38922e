//! Hosts of the test's own: network namespaces on one bridge, which the test makes and takes away again.

use std::process::Command;

/// Some hosts, and the hub where the servers are.
pub(crate) struct Net {
    name: String,
    hub: String,
    subnet: String,
    hosts: usize,
}

impl Net {
    /// A net of so many hosts; `None`, said aloud, where none can be made.
    pub(crate) fn new(hosts: usize) -> Option<Self> {
        let number = std::process::id() % 200;
        let (name, subnet) = (format!("la{number}"), format!("10.213.{number}"));
        let untested = "no hosts were tested over Redis";
        if crate::support::server::lacks("network", untested) || crate::support::server::lacks("root", untested) {
            return None;
        }
        let net = Self { hub: format!("{subnet}.1"), name, subnet, hosts };
        if let Err(why) = net.build() {
            drop(net);
            crate::support::server::skipped("root", &format!("{untested}: network namespaces cannot be made here ({why})"));
            return None;
        }
        Some(net)
    }

    /// The address of the hub.
    pub(crate) fn hub(&self) -> &str {
        &self.hub
    }

    /// The words before a command that make it run on a host.
    pub(crate) fn inside(&self, host: usize) -> Vec<String> {
        ["ip", "netns", "exec"].map(str::to_owned).into_iter().chain([self.namespace(host)]).collect()
    }

    /// Pulls a host's cable.
    pub(crate) fn cut(&self, host: usize) {
        ip(&["link", "set", &self.cable(host), "down"]).expect("the cable is there");
    }

    /// Puts it back.
    pub(crate) fn mend(&self, host: usize) {
        ip(&["link", "set", &self.cable(host), "up"]).expect("the cable is there");
    }

    fn build(&self) -> Result<(), String> {
        ip(&["link", "add", &self.name, "type", "bridge"])?;
        ip(&["addr", "add", &format!("{}/24", self.hub), "dev", &self.name])?;
        ip(&["link", "set", &self.name, "up"])?;
        for host in 0..self.hosts {
            let (namespace, cable) = (self.namespace(host), self.cable(host));
            ip(&["netns", "add", &namespace])?;
            ip(&["link", "add", &cable, "type", "veth", "peer", "name", "eth0", "netns", &namespace])?;
            ip(&["link", "set", &cable, "master", &self.name, "up"])?;
            ip(&["-n", &namespace, "addr", "add", &format!("{}.{}/24", self.subnet, host + 2), "dev", "eth0"])?;
            ip(&["-n", &namespace, "link", "set", "eth0", "up"])?;
            ip(&["-n", &namespace, "link", "set", "lo", "up"])?;
        }
        Ok(())
    }

    fn namespace(&self, host: usize) -> String {
        format!("{}h{host}", self.name)
    }

    fn cable(&self, host: usize) -> String {
        format!("{}v{host}", self.name)
    }
}

impl Drop for Net {
    fn drop(&mut self) {
        for host in 0..self.hosts {
            let _ = ip(&["netns", "del", &self.namespace(host)]);
            let _ = ip(&["link", "del", &self.cable(host)]);
        }
        let _ = ip(&["link", "del", &self.name]);
    }
}

fn ip(words: &[&str]) -> Result<(), String> {
    let output = Command::new("ip").args(words).output().map_err(|error| error.to_string())?;
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()) }
}
