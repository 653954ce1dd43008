#include "farm/coordinator/worker_door.hpp"

#include "farm/protocol/limits.hpp"

#include <vector>

namespace raymill::farm {

std::optional<Router::Message> PeerBook::receive() {
    // A few at a time, so that swallowing what a bad peer sends cannot keep the shell here.
    for (int i = 0; i < 64; ++i) {
        auto message = router_.receive();
        if (!message) return {};
        if (blocked_.contains(message->peer)) continue;
        last_key_ = message->key;
        if (message->malformed || message->key.empty()) {
            block(message->peer);
            continue;
        }
        if (good_ && !good_(message->key)) {
            block(message->peer, "its key was taken back");
            continue;
        }
        return message;
    }
    return {};
}

void PeerBook::send(const std::string& peer, const std::string& body) {
    if (blocked_.contains(peer)) return;
    if (const auto queue = outboxes_.find(peer); queue != outboxes_.end()) {
        if (queue->second.bytes + body.size() > limits::outbox_bytes || queue->second.messages.size() >= limits::outbox_messages) {
            forget(peer);
            return;
        }
        queue->second.bytes += body.size();
        queue->second.messages.push_back(body);
        return;
    }
    switch (router_.send(peer, body)) {
    case Router::Sent::yes:
        break;
    case Router::Sent::gone:
        forget(peer);
        break;
    case Router::Sent::full:
        auto& queue = outboxes_[peer];
        queue.bytes = body.size();
        queue.messages.push_back(body);
    }
}

bool PeerBook::send_to(const std::string& worker, const std::string& body) {
    const auto found = peers_.find(worker);
    if (found == peers_.end()) return false;
    send(std::string(found->second), body); // a copy: send() may forget the peer
    return true;
}

void PeerBook::flush() {
    std::vector<std::string> gone;
    for (auto queue = outboxes_.begin(); queue != outboxes_.end();) {
        auto& [peer, outbox] = *queue;
        auto sent = Router::Sent::yes;
        while (!outbox.messages.empty() && (sent = router_.send(peer, outbox.messages.front())) == Router::Sent::yes) {
            outbox.bytes -= outbox.messages.front().size();
            outbox.messages.pop_front();
        }
        if (sent == Router::Sent::gone) gone.push_back(peer);
        queue = outbox.messages.empty() ? outboxes_.erase(queue) : std::next(queue);
    }
    for (const auto& peer : gone) forget(peer);
}

void PeerBook::introduce(const std::string& peer, const std::string& worker) {
    if (workers_.size() >= limits::peers && !workers_.contains(peer)) forget(std::string(workers_.begin()->first));
    if (const auto old = peers_.find(worker); old != peers_.end() && old->second != peer) forget(std::string(old->second));
    if (const auto old = workers_.find(peer); old != workers_.end() && old->second != worker) peers_.erase(old->second);
    workers_[peer] = worker;
    peers_[worker] = peer;
}

const std::string* PeerBook::worker_of(const std::string& peer) const {
    const auto found = workers_.find(peer);
    return found == workers_.end() ? nullptr : &found->second;
}

void PeerBook::block(const std::string& peer, const std::string& why) {
    if (on_block_) on_block_(last_key_, why);
    forget(peer);
    if (blocked_.size() >= limits::peers) blocked_.erase(blocked_.begin());
    blocked_.insert(peer);
}

void PeerBook::forget(const std::string& peer) {
    outboxes_.erase(peer);
    const auto found = workers_.find(peer);
    if (found == workers_.end()) return;
    if (const auto back = peers_.find(found->second); back != peers_.end() && back->second == peer) peers_.erase(back);
    workers_.erase(found);
}

bool NameBook::claim(const std::string& name, const std::string& key) {
    const auto [found, fresh] = keys_.emplace(name, key);
    if (!fresh) return found->second == key;
    order_.push_back(name);
    if (order_.size() > limits::peers) {
        keys_.erase(order_.front());
        order_.pop_front();
    }
    return true;
}

bool NameBook::owns(const std::string& name, const std::string& key) const {
    const auto found = keys_.find(name);
    return found != keys_.end() && found->second == key;
}

} // namespace raymill::farm
